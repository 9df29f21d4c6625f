/** The plan for a person: as a tree of text, the result first, or as a Mermaid flowchart. */
import { formatDuration } from '../base/durations.ts';
import { describeMemory, describeNode } from './describe.ts';
import { isTable } from './event-time.ts';
import type { Plan, PlanNode, SourcePlan, ViewPlan } from './node.ts';
import { inputsOf, nodesOf, sourcesOf } from './walk.ts';

export function explainPlan(plan: Plan): string {
  const views = plan.views.flatMap((view) => [
    '',
    `view ${view.name} (${view.mode === 'final' ? 'final results' : 'updates'})`,
    ...treeOf(view),
    ...sourcesOf(plan, view.node).map((source) => `  ${timeOf(source)}`),
  ]);
  return [`pipeline ${plan.name}`, ...views].join('\n');
}

function timeOf(source: SourcePlan): string {
  const { name, eventTime, watermark, lateness } = source;
  if (isTable(source)) return `${name}: a table, without time`;
  const delay = `watermark ${formatDuration(watermark.delayMs)} behind the newest ${eventTime.join(' or ')}`;
  return `${name}: ${delay}, late after ${formatDuration(lateness.allowedMs)} more: ${lateness.then}`;
}

/** Inputs stand below what reads them. A part that is read twice is shown once, with a number. */
function treeOf(view: ViewPlan): string[] {
  const users = new Map<PlanNode, number>();
  for (const node of nodesOf(view.node))
    for (const input of inputsOf(node)) users.set(input, (users.get(input) ?? 0) + 1);
  const numbers = new Map<PlanNode, number>();
  const lines: string[] = [];
  const show = (node: PlanNode, depth: number): void => {
    const indent = '  '.repeat(depth);
    const seen = numbers.get(node);
    if (seen !== undefined) return void lines.push(`${indent}#${seen} as above`);
    const isShared = (users.get(node) ?? 0) > 1 && node.kind !== 'source';
    if (isShared) numbers.set(node, numbers.size + 1);
    const memory = describeMemory(node);
    const remembers = memory === null ? '' : `; remembers ${memory}`;
    lines.push(`${indent}${isShared ? `#${numbers.size} ` : ''}${describeNode(node)}${remembers}`);
    for (const input of inputsOf(node)) show(input, depth + 1);
  };
  show(view.node, 1);
  return lines;
}

export function mermaidPlan(plan: Plan): string {
  const names = new Map<PlanNode, string>();
  const lines = ['flowchart LR'];
  for (const view of plan.views) {
    for (const node of nodesOf(view.node)) {
      if (names.has(node)) continue;
      const name = node.kind === 'source' ? `s_${node.source}` : `n${names.size}`;
      names.set(node, name);
      lines.push(`  ${name}["${label(describeNode(node))}"]`);
      for (const input of inputsOf(node)) lines.push(`  ${names.get(input) ?? ''} --> ${name}`);
    }
    lines.push(`  ${names.get(view.node) ?? ''} --> view_${view.name}[("${view.name}")]`);
  }
  return lines.join('\n');
}

/** A text that Mermaid shows as it is: entities for what it would read, no line break. */
function label(text: string): string {
  return text
    .replaceAll('#', '#35;')
    .replaceAll('"', '#quot;')
    .replaceAll('<', '#lt;')
    .replaceAll(/\s+/g, ' ');
}
