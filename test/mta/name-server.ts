// NSD with the zones of one test: a real authoritative name server, which answers for nothing else.

import { createSocket } from 'node:dgram';
import { makeInstance, users } from './instance.js';

export interface NameServer {
  readonly address: string;
  readonly port: number;
  log(): Promise<string>;
  stop(): Promise<void>;
}

const head = `$TTL 60
@ IN SOA ns.example. hostmaster.example. 1 3600 600 86400 60
@ IN NS ns.example.
`;

/** Starts NSD with zones (origin without final dot -> lines of a master file); resolves when it answers. */
export async function startNameServer(
  address: string,
  port: number,
  zones: Readonly<Record<string, string>>,
): Promise<NameServer> {
  const instance = await makeInstance('nsd');
  try {
    const zoneStatements = Object.keys(zones).map(
      (origin) => `zone:\n  name: "${origin}"\n  zonefile: "${origin}.zone"\n`,
    );
    await instance.write(
      '/etc/nsd/nsd.conf',
      `server:
  ip-address: ${address}@${port}
  server-count: 1
  username: nsd
  zonesdir: "/etc/nsd"
  database: ""
  pidfile: ""
  xfrdfile: "/var/lib/nsd/xfrd.state"
  xfrdir: "/var/lib/nsd"
  zonelistfile: "/var/lib/nsd/zone.list"
remote-control:
  control-enable: no
${zoneStatements.join('')}`,
    );
    for (const [origin, lines] of Object.entries(zones)) {
      await instance.write(`/etc/nsd/${origin}.zone`, `$ORIGIN ${origin}.\n${head}${lines}\n`);
      // NSD would serve the other zones in silence: a slip in a test's zone is to be heard.
      await instance.exec(['/usr/sbin/nsd-checkzone', origin, `/etc/nsd/${origin}.zone`]);
    }
    await instance.folder('/var/lib/nsd', users.nsd, users.nsd);
    instance.start('/usr/sbin/nsd', '-d', '-c', '/etc/nsd/nsd.conf');
    await untilAnswers(address, port, Object.keys(zones)[0] ?? '', () => instance.log());
  } catch (error) {
    await instance.stop();
    throw error;
  }
  return { address, port, log: () => instance.log(), stop: () => instance.stop() };
}

async function untilAnswers(address: string, port: number, origin: string, log: () => Promise<string>): Promise<void> {
  const labels = origin.split('.').map((label) => String.fromCharCode(label.length) + label);
  const question = Buffer.from(`\x12\x34\0\0\0\x01\0\0\0\0\0\0${labels.join('')}\0\0\x06\0\x01`, 'latin1');
  for (let tries = 0; tries < 200; tries++) {
    const answered = await new Promise<boolean>((done) => {
      const socket = createSocket('udp4');
      const end = (answer: boolean) => {
        clearTimeout(timer);
        socket.close();
        done(answer);
      };
      const timer = setTimeout(() => end(false), 50);
      socket.once('message', () => end(true));
      socket.once('error', () => end(false));
      // Connected, so that "nobody there" comes back as an error at once.
      socket.connect(port, address, () => socket.send(question));
    });
    if (answered) return;
    await new Promise((done) => setTimeout(done, 25));
  }
  throw new Error(`the name server does not answer at ${address}:${port}:\n${await log()}`);
}
