#!/usr/bin/env node
import { runProgram } from 'pipeline-runtime/kit';
import { advisorProgram } from '../cli/advisor-program.ts';

await runProgram(advisorProgram());
