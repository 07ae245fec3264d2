/** Owns the text of a broker's server.properties. Pure. */

/**
 * A listener beside the internal PLAINTEXT one. `settings` become `listener.name.<name>.<key>` lines, for example
 * `plain.sasl.jaas.config`, `sasl.enabled.mechanisms`, `ssl.keystore.location`.
 */
export type KafkaListener = {
  readonly name: string;
  readonly protocol: 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL';
  /** The advertised host: `localhost` where a certificate must match. Default 127.0.0.1. */
  readonly host?: string;
  readonly settings?: Readonly<Record<string, string>>;
};

export type BrokerAddress = {
  readonly id: number;
  readonly port: number;
  readonly controllerPort: number;
  /** One port per extra listener, in their order. */
  readonly listenerPorts: readonly number[];
};

type BrokerFile = {
  readonly broker: BrokerAddress;
  readonly all: readonly BrokerAddress[];
  readonly logDir: string;
  readonly listeners: readonly KafkaListener[];
  readonly settings: Readonly<Record<string, string>>;
};

export const BROKER_HOST = '127.0.0.1';

/** Short timeouts: a killed broker is fenced, and may come back, after 3 s instead of 9. */
function defaultSettings(brokerCount: number): Readonly<Record<string, string>> {
  return {
    'offsets.topic.replication.factor': String(Math.min(brokerCount, 3)),
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': String(Math.min(brokerCount, 3)),
    'transaction.state.log.min.isr': String(brokerCount >= 3 ? 2 : 1),
    'transaction.state.log.num.partitions': '4',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'default.replication.factor': String(Math.min(brokerCount, 3)),
    'min.insync.replicas': String(brokerCount >= 3 ? 2 : 1),
    'num.partitions': '1',
    'group.initial.rebalance.delay.ms': '0',
    'log.retention.ms': '-1',
    'broker.heartbeat.interval.ms': '500',
    'broker.session.timeout.ms': '3000',
    'controlled.shutdown.max.retries': '1',
    'num.network.threads': '2',
    'num.io.threads': '4',
  };
}

export function brokerProperties(o: BrokerFile): string {
  const own = [
    { name: 'PLAINTEXT', protocol: 'PLAINTEXT', host: BROKER_HOST, port: o.broker.port },
    ...o.listeners.map((listener, index) => ({
      name: listener.name.toUpperCase(),
      protocol: listener.protocol,
      host: listener.host ?? BROKER_HOST,
      port: o.broker.listenerPorts[index] ?? 0,
    })),
  ];
  const bound = own.map(({ name, port }) => `${name}://${BROKER_HOST}:${port}`);
  const lines: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': String(o.broker.id),
    'controller.quorum.voters': o.all.map(({ id, controllerPort }) => `${id}@${BROKER_HOST}:${controllerPort}`).join(','),
    listeners: [...bound, `CONTROLLER://${BROKER_HOST}:${o.broker.controllerPort}`].join(','),
    'advertised.listeners': own.map(({ name, host, port }) => `${name}://${host}:${port}`).join(','),
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': [...own.map(({ name, protocol }) => `${name}:${protocol}`), 'CONTROLLER:PLAINTEXT'].join(','),
    'log.dirs': o.logDir,
    ...defaultSettings(o.all.length),
    ...listenerSettings(o.listeners),
    ...o.settings,
  };
  return Object.entries(lines)
    .map(([key, value]) => `${key}=${escapeValue(value)}\n`)
    .join('');
}

function listenerSettings(listeners: readonly KafkaListener[]): Readonly<Record<string, string>> {
  const entries = listeners.flatMap((listener) =>
    Object.entries(listener.settings ?? {}).map(([key, value]) => [`listener.name.${listener.name.toLowerCase()}.${key}`, value]),
  );
  return Object.fromEntries(entries);
}

/** A properties file knows backslash escapes; PEM values span lines. */
function escapeValue(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}
