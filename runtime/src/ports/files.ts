/**
 * The files of a project and of its user: config, definition, inputs, results. What a pipeline keeps for itself goes
 * through `disk.ts` instead, where a simulation can stand in.
 */
export {
  constants,
  createReadStream,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
export { access, open, rename, writeFile } from 'node:fs/promises';
