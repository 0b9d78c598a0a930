import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createLeases, EPHEMERAL_HEADER, type LeaseTimes } from '../../gateway/leases.ts';
import { until } from './support.ts';

async function serveLeases(isEphemeral: boolean, times: LeaseTimes) {
  let deserted = 0;
  const leases = createLeases(isEphemeral ? () => void deserted++ : undefined, times);
  const server = createServer((_req, res) => leases.take(res));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    leases.close();
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const take = (): Promise<IncomingMessage> => new Promise((resolve, reject) => void get({ port, agent: false }, resolve).on('error', reject));
  return { leases, take, deserted: () => deserted };
}

describe('leases', () => {
  it('that nobody takes in time end the process they were started for', async () => {
    const { deserted, take } = await serveLeases(true, { firstMs: 20, lastMs: 60_000 });
    await until(() => deserted() === 1, 'word that it is deserted');
    expect((await take()).statusCode).toBe(503);
    expect(deserted()).toBe(1);
  });

  it('that have all ended do so too, and whoever comes after that is sent away', async () => {
    const { deserted, take, leases } = await serveLeases(true, { firstMs: 60_000, lastMs: 20 });
    const [first, second] = [await take(), await take()];
    expect(first.headers[EPHEMERAL_HEADER]).toBe('true');
    first.destroy();
    await until(() => leases.size === 1, 'one is left');
    second.destroy();
    await until(() => deserted() === 1, 'word that it is deserted');
    expect((await take()).statusCode).toBe(503);
  });

  it('taken again in time keep it', async () => {
    const { deserted, take, leases } = await serveLeases(true, { firstMs: 60_000, lastMs: 300 });
    for (let round = 0; round < 3; round++) {
      const lease = await take();
      expect(lease.statusCode).toBe(200);
      lease.destroy();
      await until(() => leases.size === 0, 'it has ended');
    }
    const lease = await take();
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(deserted()).toBe(0);
    lease.destroy();
    await until(() => deserted() === 1, 'word that it is deserted');
  });

  it('on a gateway that runs by itself are told so, and their end ends nothing', async () => {
    const { take, leases } = await serveLeases(false, { firstMs: 0, lastMs: 0 });
    const lease = await take();
    expect(lease.headers[EPHEMERAL_HEADER]).toBe('false');
    lease.destroy();
    await until(() => leases.size === 0, 'it has ended');
    expect((await take()).statusCode).toBe(200);
  });
});
