import { readFileSync } from '../ports/files.ts';
import { Command } from 'commander';
import { addAskCommands } from './commands/ask.ts';
import { addChangeCommands } from './commands/change.ts';
import { addCheckCommand } from './commands/check.ts';
import { addIngestCommand } from './commands/ingest.ts';
import { addRunCommand } from './commands/run.ts';
import { addSnapshotCommands } from './commands/snapshot.ts';

/** The `pipeline` command. Errors of usage are thrown, not printed, so that `runProgram` sets the exit code. */
export function pipelineProgram(): Command {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  const program = new Command('pipeline')
    .description(
      'Runs one definition as batch, micro-batch, streaming, Lambda or Kappa, with the same answer.',
    )
    .version(version)
    .showHelpAfterError('(--help lists what there is)')
    .exitOverride();
  for (const add of [
    addRunCommand,
    addIngestCommand,
    addAskCommands,
    addChangeCommands,
    addSnapshotCommands,
    addCheckCommand,
  ])
    add(program);
  for (const command of program.commands)
    command.exitOverride().showHelpAfterError('(--help lists what there is)');
  return program;
}
