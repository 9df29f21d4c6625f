/** What the generator's tests share: choices over a stated answer file, and a runtime that is only bytes. */
import { ARCHITECTURES, type Architecture, type GivenAnswers } from '../../src/advisor/answers.ts';
import { recommend } from '../../src/advisor/recommend.ts';
import { blueprintOf, type Blueprint, type Choices } from '../../src/generator/blueprint.ts';
import { PACKAGE_MANAGERS, type PackageManager } from '../../src/generator/package-manager.ts';
import { planProject, type PlannedFile } from '../../src/generator/plan.ts';

export const POLICIES = ['correct', 'drop', 'side-output'] as const;
export type Policy = (typeof POLICIES)[number];

const RUNTIME = {
  version: '0.1.0',
  fileName: 'pipeline-runtime-0.1.0.tgz',
  bytes: Buffer.from('packed'),
};

export function answersWith(policy: Policy): GivenAnswers {
  return {
    freshness: '15m',
    lateness: { typical: '90s', max: '2h', policy },
    reprocessing: { every: 'monthly' },
    maturity: 'novice',
  };
}

interface Variant {
  readonly architecture: Architecture;
  readonly policy: Policy;
  readonly packageManager: PackageManager;
}

/** Every architecture with every policy and every package manager. */
export const VARIANTS: readonly Variant[] = ARCHITECTURES.flatMap((architecture) =>
  POLICIES.flatMap((policy) =>
    PACKAGE_MANAGERS.map((packageManager) => ({ architecture, policy, packageManager })),
  ),
);

export function choicesOf(variant: Partial<Variant> = {}, given?: GivenAnswers): Choices {
  const recommendation = recommend(given ?? answersWith(variant.policy ?? 'correct'));
  return {
    name: 'my-pipeline',
    recommendation,
    architecture: variant.architecture ?? recommendation.recommendation,
    packageManager: variant.packageManager ?? 'npm',
    runtime: RUNTIME,
  };
}

export function filesOf(choices: Choices): readonly PlannedFile[] {
  return planProject(blueprintOf(choices), choices, RUNTIME);
}

export function blueprintOfVariant(variant: Partial<Variant> = {}): Blueprint {
  return blueprintOf(choicesOf(variant));
}

export function textOf(files: readonly PlannedFile[], path: string): string {
  const found = files.find((file) => file.path === path);
  if (found === undefined) throw new Error(`${path} is not planned`);
  return found.bytes.toString('utf8');
}
