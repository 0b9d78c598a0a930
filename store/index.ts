/** Durable state of one data directory: the ledger, approvals, the lock on the directory, callers' keys, the gateway's secret. */
export * from './approvals/index.ts';
export * from './ledger/index.ts';
export * from './register/index.ts';
export * from './payloads/index.ts';
export * from './retention/index.ts';
export { createKeyStore, hashKey, KeysUnavailable, type CallerKey, type KeyStore, type KeyStoreOptions } from './keys.ts';
export {
  lockDataDir,
  readGatewayInfo,
  writeGatewayInfo,
  type DataDirLock,
  type GatewayInfo,
  type LockResult,
} from './lock.ts';
export { openSecret, type GatewaySecret } from './secret.ts';
export * from './budgets/index.ts';
export { createFlowStore } from './flow/index.ts';
export { requireSqliteVersion } from './sqlite.ts';
export * from './search/index.ts';
