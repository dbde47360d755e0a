// The process of a world: a name server and mail hosts on every address of 127.0.0.0/8, as plain as can be.
import { createNameServer } from './bench-name-server.js';
import { createMailHosts } from './bench-mail-hosts.js';
import type { WorldMessage, WorldOptions } from './world.js';

const options = JSON.parse(process.argv[2] ?? '') as WorldOptions;
const [names, hosts] = await Promise.all([createNameServer(options), createMailHosts(options)]);

const say = (message: WorldMessage): void => void process.send?.(message);
process.on('message', () => {
  void hosts.counts().then((counts) => say({ kind: 'counts', counts: { ...counts, questions: names.questions() } }));
});
process.on('disconnect', () => process.exit());
say({ kind: 'ready', nameServer: names.address, port: hosts.port });
