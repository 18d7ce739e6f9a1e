/** A table that says nothing that can be run: a mistake of its author's, never an outcome. */
final class IllegalTableException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    IllegalTableException(String message) {
        super(message);
    }

    IllegalTableException(String message, Throwable cause) {
        super(message, cause);
    }
}
