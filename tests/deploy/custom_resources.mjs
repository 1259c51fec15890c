// Read a JSON list of custom resources, and print for each a line: a JSON list of its faults.
//
// The packages' validators judge required members, types, values and bounds, but let every unknown
// member pass. They are compiled, so no schema can be made stricter. But a validator reads each
// member that it knows, whether it is there or not; so it is given objects that write down what is
// read, and what was never read is unknown.

import { readFileSync } from "node:fs";

const PACKAGES = {
  "cert-manager.io": "cert-manager",
  "gateway.networking.k8s.io": "gateway-api",
  "kafka.strimzi.io": "strimzi-kafka-operator",
  "keda.sh": "keda",
  "monitoring.coreos.com": "prometheus-operator",
};
// Kafka's own settings: no definition says what they are called.
const FREE = new Set(["/spec/config", "/spec/kafka/config"]);

for (const resource of JSON.parse(readFileSync(0, "utf8"))) {
  console.log(JSON.stringify(await faultsOf(resource)));
}

async function faultsOf(resource) {
  const model = await modelOf(resource);
  if (model === undefined) {
    return [`there is no ${resource.apiVersion} of it`];
  }
  const read = new Map();
  const found = [];
  try {
    model.prototype.validate.call(watched(resource, read));
  } catch (error) {
    if (!Array.isArray(error.errors)) {
      throw error;
    }
    found.push(...error.errors.map((one) => `${one.instancePath}: ${one.message}`));
  }
  return [...found, ...unread(resource, "", read)];
}

async function modelOf({ apiVersion, kind }) {
  const [group] = apiVersion.split("/");
  try {
    return (await import(`@kubernetes-models/${PACKAGES[group]}/${apiVersion}`))[kind];
  } catch (error) {
    if (error.code !== "ERR_PACKAGE_PATH_NOT_EXPORTED") {
      throw error;
    }
    return undefined;
  }
}

function watched(value, read) {
  if (value === null || typeof value !== "object") {
    return value;
  }
  const names = read.get(value) ?? new Set();
  read.set(value, names);
  return new Proxy(value, {
    get(target, name) {
      names.add(name);
      return watched(target[name], read);
    },
  });
}

function* unread(value, place, read) {
  if (value === null) {
    yield `${place}: is empty`;
  } else if (typeof value === "object" && !FREE.has(place)) {
    for (const [name, part] of Object.entries(value)) {
      if (read.get(value)?.has(name)) {
        yield* unread(part, `${place}/${name}`, read);
      } else {
        yield `${place}/${name}: nobody knows it`;
      }
    }
  }
}
