/** Durable state of one data directory: the ledger, the lock on the directory, callers' keys, the gateway's secret. */
export * from './ledger/index.ts';
