// A child process that visits a mail host and must then end by itself: arguments are the port and what to do there.
// It prints the outcomes and how many ms lay between the last of them and the end of the process.
import { connect } from '../../src/io/client.js';
import type { Channel } from '../../src/io/ports.js';

const VISITS: Readonly<Record<string, (channel: Channel) => Promise<unknown>>> = {
  'opening-timeout': async (channel) => {
    const outcome = await channel.opening(50);
    channel.close();
    return outcome;
  },
  quit: async (channel) => {
    const outcomes = [await channel.opening(1_000), await channel.send([{ verb: 'QUIT' }], 1_000)];
    channel.close();
    return outcomes;
  },
  leave: async (channel) => {
    await channel.opening(1_000);
    await channel.leave(50);
  },
  tls: async (channel) => {
    await channel.opening(1_000);
    await channel.send([{ verb: 'STARTTLS' }], 1_000);
    const outcome = await channel.handshake('mx.example', 1_000);
    await channel.leave(50);
    return outcome;
  },
  'tls-under-another-name': async (channel) => {
    await channel.opening(1_000);
    await channel.send([{ verb: 'STARTTLS' }], 1_000);
    const outcome = await channel.handshake('mx.other.example', 1_000);
    await channel.leave(50);
    return outcome;
  },
};

const [port, visit] = process.argv.slice(2);
const { outcome, channel } = await connect({ address: '127.0.0.1', port: Number(port), timeoutMs: 8_000 });
const result = channel === null ? outcome : await VISITS[visit ?? '']?.(channel);
const doneAt = performance.now();
process.once('exit', () => {
  process.stdout.write(JSON.stringify({ result: result ?? null, exitAfterMs: Math.round(performance.now() - doneAt) }));
});
