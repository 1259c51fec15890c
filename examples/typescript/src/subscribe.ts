/**
 * Subscribe to Esito's status events: each event has its effect once, in order.
 *
 * docs/SUBSCRIBING.md says why each of these lines is as it is, and which client to take.
 */
import { type EachBatchPayload, Kafka, logLevel } from "kafkajs";
import { Effects, MissingEvent, type StatusEvent } from "./effects.js";

const STATUS_EVENT = "esito.transaction.status.v1";

const effects = new Effects(setting("EFFECTS_FILE"));
const kafka = new Kafka({
  clientId: "subscriber",
  brokers: setting("BOOTSTRAP_SERVERS").split(","),
  logLevel: logLevel.NOTHING,
});
const consumer = kafka.consumer({
  groupId: setting("GROUP"),
  readUncommitted: false,
  // Without this, a failed batch is tried again for ever: a missing event must end the process.
  retry: { retries: 5, restartOnFailure: async (error) => !(error.cause instanceof MissingEvent) },
});
consumer.on(consumer.events.CRASH, ({ payload }) => {
  if (!payload.restart) end(`an event is missing: ${payload.error.message}`);
});
for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => void stop());

await consumer.connect();
await consumer.subscribe({ topics: setting("TOPICS").split(","), fromBeginning: true });
await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: takeBatch });

async function takeBatch({ batch, resolveOffset, heartbeat }: EachBatchPayload): Promise<void> {
  for (const { headers, key, value } of batch.messages) {
    // Kinds of events that this program does not know are none of its business.
    if (headers?.["ce_type"]?.toString() !== STATUS_EVENT || !key || !value) continue;
    effects.take(key.toString(), JSON.parse(value.toString()) as StatusEvent);
  }
  effects.keep();
  const { topic, partition } = batch;
  const offset = (BigInt(batch.lastOffset()) + 1n).toString();
  await consumer.commitOffsets([{ topic, partition, offset }]);
  resolveOffset(batch.lastOffset());
  await heartbeat();
}

async function stop(): Promise<void> {
  await consumer.disconnect();
  effects.close();
}

function end(message: string): void {
  console.error(message);
  process.exit(1);
}

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}
