package example;

/** An event of this transaction never came: going on would hide it. */
final class MissingEventException extends RuntimeException {
  MissingEventException(String message) {
    super(message);
  }
}
