import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, readFileSync, writeFileSync } from "node:fs";

/** The members of a status event that this program uses; an event may have others. */
export interface StatusEvent {
  id: string;
  sequence: number;
  status: string;
  native_status: string;
}

/** An event of this transaction never came: going on would hide it. */
export class MissingEvent extends Error {}

const EFFECTS = new Map([
  ["pending", "wait"],
  ["processing", "wait"],
  ["accepted", "wait"],
  ["completed", "deliver"],
  ["rejected", "release"],
  ["failed", "release"],
  ["cancelled", "release"],
  ["expired", "release"],
]);

/**
 * What was done so far: one line for each event, on the disk before its offset is committed.
 *
 * Yours are rows of a database: write the event's id and the transaction's last sequence in the
 * same database transaction as the effect. One process for each file and group: where several share
 * a group, a partition comes back with events that another process did, so read the transaction's
 * last sequence from the shared database, in that same transaction.
 */
export class Effects {
  readonly #ids = new Set<string>();
  readonly #sequences = new Map<string, number>();
  readonly #file: number;

  /** Read what an earlier process did; a line cut off by its end never counted. */
  constructor(path: string) {
    const whole = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
    const end = whole.lastIndexOf("\n") + 1;
    for (const line of whole.subarray(0, end).toString().split("\n").slice(0, -1)) {
      const [key, sequence, id] = line.split("\t") as [string, string, string];
      this.#remember(key, Number(sequence), id);
    }
    this.#file = openSync(path, "a");
    ftruncateSync(this.#file, end);
  }

  /** Do what the event asks for, unless it was done already. */
  take(key: string, event: StatusEvent): void {
    if (this.#ids.has(event.id)) return;
    const last = this.#sequences.get(key);
    if (last !== undefined && event.sequence !== last + 1) {
      throw new MissingEvent(`${key}: sequence ${event.sequence} came after ${last}`);
    }
    // A word that is not in this program is for a person; never guess, never drop.
    const effect = EFFECTS.get(event.status) ?? "ask";
    const parts = [key, event.sequence, event.id, effect, event.status, event.native_status];
    // Unlike writeSync, it writes all of it or throws.
    writeFileSync(this.#file, `${parts.join("\t")}\n`);
    this.#remember(key, event.sequence, event.id);
  }

  /** Return once everything taken is on the disk. */
  keep(): void {
    fsyncSync(this.#file);
  }

  close(): void {
    closeSync(this.#file);
  }

  #remember(key: string, sequence: number, id: string): void {
    this.#ids.add(id);
    this.#sequences.set(key, sequence);
  }
}
