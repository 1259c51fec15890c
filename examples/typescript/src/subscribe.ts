/**
 * Subscribe to Esito's status events: each event has its effect once, in order.
 *
 * docs/SUBSCRIBING.md says why each of these lines is as it is, and which client to take.
 */
import { readFileSync } from "node:fs";
import { type EachBatchPayload, Kafka, logLevel } from "kafkajs";
import { Effects, MissingEvent, type StatusEvent } from "./effects.js";

const STATUS_EVENT = "esito.transaction.status.v1";

const effects = new Effects(setting("EFFECTS_FILE"));
const kafka = new Kafka({
  clientId: "subscriber",
  brokers: setting("BOOTSTRAP_SERVERS").split(","),
  logLevel: logLevel.ERROR,
  ssl: tls(),
});
const consumer = kafka.consumer({ groupId: setting("GROUP"), readUncommitted: false });
consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
  if (restart) return;
  const isMissing = error.cause instanceof MissingEvent;
  end(isMissing ? `an event is missing: ${error.message}` : error.message);
});
for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => void stop());

await consumer.connect();
await consumer.subscribe({ topics: setting("TOPICS").split(","), fromBeginning: true });
await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: takeBatch });

async function takeBatch({ batch, resolveOffset, heartbeat }: EachBatchPayload): Promise<void> {
  try {
    for (const { headers, key, value } of batch.messages) {
      // Kinds of events that this program does not know are none of its business.
      if (headers?.["ce_type"]?.toString() !== STATUS_EVENT || !key || !value) continue;
      effects.take(key.toString(), JSON.parse(value.toString()) as StatusEvent);
    }
    effects.keep();
  } catch (error) {
    // Else the client tries the batch again for ever; only Kafka's own errors are worth that.
    throw Object.assign(error as Error, { retriable: false });
  }
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

/** TLS where CA_FILE says whom to trust, with a certificate of our own where there is one. */
function tls(): false | { ca: Buffer; cert?: Buffer; key?: Buffer } {
  const { CA_FILE, CERTIFICATE_FILE, KEY_FILE } = process.env;
  if (CA_FILE === undefined) return false;
  const ca = readFileSync(CA_FILE);
  if (CERTIFICATE_FILE === undefined || KEY_FILE === undefined) return { ca };
  return { ca, cert: readFileSync(CERTIFICATE_FILE), key: readFileSync(KEY_FILE) };
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
