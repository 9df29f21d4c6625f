import { renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { failure } from '../errors.ts';

/**
 * Writes a result to a file, or to stdout without one. A file is replaced whole or not at all.
 * @throws OUTPUT_UNWRITABLE, OUTPUT_FAILED
 */
export function writeOutput(file: string | undefined, text: string): void {
  if (file === undefined) {
    process.stdout.write(text);
    return;
  }
  const beside = `${file}.${process.pid}.part`;
  try {
    if (isSpecial(file)) writeFileSync(file, text);
    else {
      writeFileSync(beside, text, { flag: 'wx' });
      renameSync(beside, file);
    }
  } catch (error) {
    rmSync(beside, { force: true });
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    const usage = [
      'ENOENT',
      'ENOTDIR',
      'EISDIR',
      'EACCES',
      'EPERM',
      'EROFS',
      'ENAMETOOLONG',
      'ELOOP',
    ].includes(reason);
    throw failure(usage ? 'OUTPUT_UNWRITABLE' : 'OUTPUT_FAILED', { file, reason }, error);
  }
  process.stderr.write(`written to ${file}\n`);
}

/** A pipe or a device is written to; only plain files are replaced. */
function isSpecial(file: string): boolean {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat !== undefined && !stat.isFile();
}
