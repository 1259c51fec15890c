package example;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.config.SslConfigs;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * Subscribes to Esito's status events: each event has its effect once, in order.
 *
 * <p>docs/SUBSCRIBING.md says why each of these lines is as it is.
 */
public final class Subscriber {
  private static final String STATUS_EVENT = "esito.transaction.status.v1";
  private static final ObjectMapper JSON = new ObjectMapper();

  private Subscriber() {}

  public static void main(String[] arguments) throws IOException {
    Map<String, String> environment = System.getenv();
    CountDownLatch ended = new CountDownLatch(1);
    try (Effects effects = new Effects(Path.of(environment.get("EFFECTS_FILE")));
        KafkaConsumer<String, byte[]> consumer = new KafkaConsumer<>(settings(environment))) {
      Runtime.getRuntime().addShutdownHook(new Thread(() -> wakeAndWait(consumer, ended)));
      consumer.subscribe(List.of(environment.get("TOPICS").split(",")));
      while (true) {
        ConsumerRecords<String, byte[]> records = consumer.poll(Duration.ofMillis(500));
        for (ConsumerRecord<String, byte[]> each : records) {
          take(effects, each);
        }
        if (!records.isEmpty()) {
          effects.keep();
          consumer.commitSync();
        }
      }
    } catch (WakeupException stopped) {
      // SIGTERM or Ctrl-C: the hook waits until the group was left.
    } catch (MissingEventException missing) {
      System.err.println("an event is missing: " + missing.getMessage());
      ended.countDown();
      System.exit(1);
    } finally {
      ended.countDown();
    }
  }

  private static Properties settings(Map<String, String> environment) throws IOException {
    Properties settings = new Properties();
    settings.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, environment.get("BOOTSTRAP_SERVERS"));
    settings.put(ConsumerConfig.GROUP_ID_CONFIG, environment.get("GROUP"));
    settings.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
    settings.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
    settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
    settings.put(ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG, StringDeserializer.class);
    settings.put(ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG, ByteArrayDeserializer.class);
    settings.putAll(tls(environment));
    return settings;
  }

  /** TLS where CA_FILE says whom to trust, with a certificate of our own where there is one. */
  private static Map<String, String> tls(Map<String, String> environment) throws IOException {
    Map<String, String> settings = new HashMap<>();
    if (environment.containsKey("CA_FILE")) {
      settings.put(CommonClientConfigs.SECURITY_PROTOCOL_CONFIG, "SSL");
      settings.put(SslConfigs.SSL_TRUSTSTORE_TYPE_CONFIG, "PEM");
      settings.put(SslConfigs.SSL_TRUSTSTORE_LOCATION_CONFIG, environment.get("CA_FILE"));
    }
    if (environment.containsKey("CERTIFICATE_FILE")) {
      String certificates = Files.readString(Path.of(environment.get("CERTIFICATE_FILE")));
      String key = Files.readString(Path.of(environment.get("KEY_FILE")));
      settings.put(SslConfigs.SSL_KEYSTORE_TYPE_CONFIG, "PEM");
      settings.put(SslConfigs.SSL_KEYSTORE_CERTIFICATE_CHAIN_CONFIG, certificates);
      settings.put(SslConfigs.SSL_KEYSTORE_KEY_CONFIG, key);
    }
    return settings;
  }

  /** Kinds of events that this program does not know are none of its business. */
  private static void take(Effects effects, ConsumerRecord<String, byte[]> each)
      throws IOException {
    Header kind = each.headers().lastHeader("ce_type");
    if (kind == null || !STATUS_EVENT.equals(new String(kind.value(), StandardCharsets.UTF_8))) {
      return;
    }
    JsonNode event = JSON.readTree(each.value());
    effects.take(each.key(), event);
  }

  private static void wakeAndWait(KafkaConsumer<?, ?> consumer, CountDownLatch ended) {
    consumer.wakeup();
    try {
      ended.await();
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
