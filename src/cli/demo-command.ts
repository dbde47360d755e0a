// The demonstration at the command line: scenes checked for real on loopback, each with what it teaches.
import { playDemo } from '../lab/demo.js';
import { plain, wrap } from '../report/layout.js';
import { watchInterrupts } from './interrupts.js';
import { standardOutput } from './streams.js';
import { screenColumns, wantsColour } from './writers.js';

/** Plays the demonstration; 0 when each verdict is what its scenario states. */
export async function demo(flags: { readonly color: boolean }): Promise<number> {
  const { renderDomain } = await import('../report/text.js');
  const style = { columns: screenColumns(), colour: wantsColour(flags), detail: 'normal' } as const;
  const lesson = (number: number, text: string): string =>
    wrap(text, { columns: style.columns, first: [plain(`${number}. `)] })
      .map((line) => line.map((span) => span.text).join(''))
      .join('\n');
  const stop = watchInterrupts();
  const out = standardOutput(stop.now);
  try {
    await out.write('Six domains, played by scripted mail hosts and a name server in this process.\n');
    await out.write('Each is checked for real, over loopback; nothing leaves this machine.\n');
    const played = await playDemo(stop.signal);
    if (stop.isInterrupted) return 130;
    for (const [at, { scene, report }] of played.entries()) {
      await out.write(`\n${'-'.repeat(style.columns)}\n${lesson(at + 1, scene.lesson)}\n\n`);
      await out.write(renderDomain(report, style));
    }
    const unmet = played.flatMap(({ scene, unmet: some }) => some.map((one) => `${scene.domain}: ${one}`));
    await out.write(`\n${'-'.repeat(style.columns)}\n`);
    if (unmet.length > 0) {
      await out.write(`Not as the scenarios state:\n${unmet.map((one) => `  ${one}\n`).join('')}`);
      return 1;
    }
    await out.write(
      'All six came out as their scenarios state. For a real domain:\n\n  postmaster-check example.org\n',
    );
    return 0;
  } finally {
    stop.close();
  }
}
