/** A process that purges what is older than 90 days, and is killed at it. */
import { silentLog } from '../../core/log.ts';
import type { Settings } from '../../core/settings.ts';
import { createRetentionKeeper } from '../../gateway/retention/index.ts';
import { createKnownSecrets } from '../../policies/index.ts';
import { createLedger, openSecret } from '../../store/index.ts';

const [dataDir = ''] = process.argv.slice(2);
const ledger = await createLedger({ dataDir, log: silentLog });
const settings = { hash: 'a'.repeat(64), audit: { payloads: 'redacted', retention: { keepMs: 90 * 86_400_000 } } } as unknown as Settings;
createRetentionKeeper({ dataDir, ledger, secret: openSecret(dataDir), known: createKnownSecrets(), log: silentLog, settings: () => settings, updateIndex: async () => {} }).beat();
