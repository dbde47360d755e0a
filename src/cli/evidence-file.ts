// The file of --save-evidence: all that was seen in a run, for replay.
import { encodeArchive } from '../evidence/archive.js';
import type { DomainEvidence } from '../evidence/evidence.js';
import { writeWhole } from './streams.js';

export class EvidenceFile {
  readonly #domains: DomainEvidence[] = [];
  private readonly path: string;
  private readonly version: string;

  /** Makes the file at once, so that a path that cannot be written is a usage error before anything is probed. */
  constructor(path: string, version: string) {
    this.path = path;
    this.version = version;
    this.write();
  }

  add(evidence: DomainEvidence): void {
    this.#domains.push(evidence);
  }

  write(): void {
    writeWhole(this.path, encodeArchive({ name: 'postmaster-check', version: this.version }, this.#domains));
  }
}
