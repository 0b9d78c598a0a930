export { listTenantKeys, openTenantKeys, TENANT_KEYS_FILE, type SealingKey, type TenantKey, type TenantKeys } from './keys.ts';
export { MAX_PAYLOAD_BYTES, openPayload, sealPayload, type PayloadPlace, type SealedPayload } from './seal.ts';
