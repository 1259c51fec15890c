import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.fabric8.kubernetes.model.annotation.Version;
import io.fabric8.openshift.api.model.monitoring.v1.PodMonitor;
import io.fabric8.openshift.api.model.monitoring.v1.PrometheusRule;
import io.strimzi.api.kafka.model.kafka.Kafka;
import io.strimzi.api.kafka.model.nodepool.KafkaNodePool;
import io.strimzi.api.kafka.model.topic.KafkaTopic;
import io.strimzi.api.kafka.model.user.KafkaUser;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/**
 * Read a JSON list of resources as their operators do, and print a line for each that they would
 * refuse, or of which they would ignore a part: these classes keep what they do not know apart.
 */
public class Read {
    private static final Map<String, Class<?>> KINDS = Map.of(
            "Kafka", Kafka.class,
            "KafkaNodePool", KafkaNodePool.class,
            "KafkaTopic", KafkaTopic.class,
            "KafkaUser", KafkaUser.class,
            "PodMonitor", PodMonitor.class,
            "PrometheusRule", PrometheusRule.class);

    public static void main(String[] arguments) throws Exception {
        int read = 0;
        for (JsonNode one : new ObjectMapper().readTree(System.in)) {
            String kind = one.get("kind").asText();
            Class<?> type = KINDS.get(kind);
            String name = kind + " " + one.get("metadata").get("name").asText();
            try {
                walk(name, Serialization.unmarshal(one.toString(), type));
                String version = one.get("apiVersion").asText();
                if (!versions(type).contains(version.substring(version.indexOf('/') + 1))) {
                    System.out.println(name + ": there is no " + version);
                }
                read++;
            } catch (KubernetesClientException error) {
                System.out.println(name + ": " + error.getCause().getMessage().lines().findFirst().get());
            }
        }
        System.err.println(read);
    }

    private static List<?> versions(Class<?> type) throws Exception {
        try {
            return (List<?>) type.getField("VERSIONS").get(null); // Strimzi's, all that it serves
        } catch (NoSuchFieldException none) {
            return List.of(type.getAnnotation(Version.class).value());
        }
    }

    private static void walk(String place, Object value) throws IllegalAccessException {
        if (value instanceof Map<?, ?> map) {
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                walk(place + "." + entry.getKey(), entry.getValue());
            }
        } else if (value instanceof Collection<?> list) {
            for (Object one : list) {
                walk(place, one);
            }
        } else if (value != null && !value.getClass().isEnum() && isTheirs(value.getClass())) {
            for (Class<?> type = value.getClass(); isTheirs(type); type = type.getSuperclass()) {
                for (Field field : type.getDeclaredFields()) {
                    if (Modifier.isStatic(field.getModifiers())) {
                        continue;
                    }
                    field.setAccessible(true);
                    Object part = field.get(value);
                    boolean unknown = field.getName().equals("additionalProperties");
                    if (unknown && part instanceof Map<?, ?> map && !map.isEmpty()) {
                        System.out.println(place + ": nobody knows " + map.keySet());
                    } else if (!unknown) {
                        walk(place + "." + field.getName(), part);
                    }
                }
            }
        }
    }

    private static boolean isTheirs(Class<?> type) {
        return type != null
                && (type.getName().startsWith("io.strimzi.") || type.getName().startsWith("io.fabric8."));
    }
}
