/** The options of `create-pipeline`, and what of them can be refused without looking at anything else. */
import { nearest } from 'pipeline-runtime/kit';
import { ARCHITECTURES, type Architecture } from '../../advisor/answers.ts';
import { failure } from '../../errors.ts';
import {
  detectPackageManager,
  PACKAGE_MANAGERS,
  type PackageManager,
} from '../../generator/package-manager.ts';
import { TEMPLATES } from '../../generator/plan.ts';
import type { AnswerFlags } from '../answer-flags.ts';

export interface CreateOptions {
  readonly answers?: string;
  readonly architecture?: string;
  readonly template?: string | true;
  readonly connect?: string;
  readonly deploy?: string;
  readonly packageManager?: string;
  readonly yes?: boolean;
  readonly input?: boolean;
  readonly all?: boolean;
  readonly dryRun?: boolean;
  readonly install: boolean;
  readonly git: boolean;
  readonly start?: boolean;
  readonly once?: boolean;
  readonly port?: string;
  readonly format: 'text' | 'json';
  /** Answers given as flags, by path. */
  readonly flags: AnswerFlags;
}

/** Refuses what cannot be done before anything else happens. Returns the architecture that overrides, if any. */
export function checkOptions(options: CreateOptions): Architecture | undefined {
  if (typeof options.template === 'string' && !(options.template in TEMPLATES)) {
    const hint = `There is: ${Object.keys(TEMPLATES).join(', ')}.`;
    throw failure('OPTION_UNKNOWN', { flag: '--template', value: options.template, hint });
  }
  if (options.connect !== undefined) {
    const hint =
      'Events come from the bundled sample, from files and over HTTP; `pipeline ingest` takes files.';
    throw failure('OPTION_UNKNOWN', { flag: '--connect', value: options.connect, hint });
  }
  if (options.deploy !== undefined) {
    const hint = 'A project runs where Node runs: start it with its `start` script.';
    throw failure('OPTION_UNKNOWN', { flag: '--deploy', value: options.deploy, hint });
  }
  packageManagerOf(options);
  if (options.start === true && !options.install) {
    throw failure('OPTIONS_EXCLUSIVE', {
      flags: ['--start', '--no-install'],
      hint: 'A project starts with its dependencies.',
    });
  }
  if ((options.once === true || options.port !== undefined) && options.start !== true) {
    const flag = options.once === true ? '--once' : '--port';
    throw failure('OPTION_NEEDS', { flag, needs: '--start' });
  }
  if (options.port !== undefined && !(/^\d{1,5}$/.test(options.port) && Number(options.port) <= 65_535)) {
    throw failure('PORT_INVALID', { text: options.port });
  }
  if (options.architecture === undefined) return undefined;
  const found = ARCHITECTURES.find((known) => known === options.architecture);
  if (found !== undefined) return found;
  const near = nearest(options.architecture, ARCHITECTURES);
  const hint = near === undefined ? `Choose one of ${ARCHITECTURES.join(', ')}.` : `Did you mean "${near}"?`;
  throw failure('ARCHITECTURE_UNKNOWN', { name: options.architecture, hint });
}

export function packageManagerOf(options: CreateOptions): PackageManager {
  if (options.packageManager === undefined) return detectPackageManager();
  const found = PACKAGE_MANAGERS.find((manager) => manager === options.packageManager);
  if (found !== undefined) return found;
  const hint = `There are: ${PACKAGE_MANAGERS.join(', ')}.`;
  throw failure('OPTION_UNKNOWN', { flag: '--package-manager', value: options.packageManager, hint });
}

/** What `--start` hands on to the project's own `start`. */
export function forwardedOf(options: CreateOptions): readonly string[] {
  return [
    ...(options.once === true ? ['--once'] : []),
    ...(options.port === undefined ? [] : ['--port', options.port]),
  ];
}

/** With `--format json`, stdout belongs to our one document. */
export function stdoutOf(options: CreateOptions): 'inherit' | 'stderr' {
  return options.format === 'json' ? 'stderr' : 'inherit';
}
