#!/usr/bin/env node
import { runProgram } from './exit.ts';
import { pipelineProgram } from './program.ts';

await runProgram(pipelineProgram());
