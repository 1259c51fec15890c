package example;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * What was done so far: one line for each event, on the disk before its offset is committed.
 *
 * <p>Yours are rows of a database: write the event's id and the transaction's last sequence in the
 * same database transaction as the effect. One process for each file and group: where several share
 * a group, a partition comes back with events that another process did, so read the transaction's
 * last sequence from the shared database, in that same transaction.
 */
final class Effects implements AutoCloseable {
  private static final Map<String, String> EFFECTS =
      Map.of(
          "pending", "wait",
          "processing", "wait",
          "accepted", "wait",
          "completed", "deliver",
          "rejected", "release",
          "failed", "release",
          "cancelled", "release",
          "expired", "release");

  private final Set<String> ids = new HashSet<>();
  private final Map<String, Long> sequences = new HashMap<>();
  private final FileChannel file;

  /** Reads what an earlier process did; a line cut off by its end never counted. */
  Effects(Path path) throws IOException {
    String whole = Files.exists(path) ? Files.readString(path) : "";
    String done = whole.substring(0, whole.lastIndexOf('\n') + 1);
    for (String line : done.lines().toList()) {
      String[] parts = line.split("\t");
      remember(parts[0], Long.parseLong(parts[1]), parts[2]);
    }
    file = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    file.truncate(done.getBytes(StandardCharsets.UTF_8).length);
    file.position(file.size());
  }

  /** Does what the event asks for, unless it was done already. */
  void take(String key, JsonNode event) throws IOException {
    String id = event.required("id").textValue();
    long sequence = event.required("sequence").longValue();
    if (ids.contains(id)) {
      return;
    }
    Long last = sequences.get(key);
    if (last != null && sequence != last + 1) {
      throw new MissingEventException(key + ": sequence " + sequence + " came after " + last);
    }
    String status = event.required("status").textValue();
    // A word that is not in this program is for a person; never guess, never drop.
    String effect = EFFECTS.getOrDefault(status, "ask");
    String nativeStatus = event.required("native_status").textValue();
    String line =
        String.join("\t", key, Long.toString(sequence), id, effect, status, nativeStatus) + "\n";
    ByteBuffer bytes = ByteBuffer.wrap(line.getBytes(StandardCharsets.UTF_8));
    while (bytes.hasRemaining()) {
      file.write(bytes);
    }
    remember(key, sequence, id);
  }

  /** Returns once everything taken is on the disk. */
  void keep() throws IOException {
    file.force(true);
  }

  @Override
  public void close() throws IOException {
    file.close();
  }

  private void remember(String key, long sequence, String id) {
    ids.add(id);
    sequences.put(key, sequence);
  }
}
