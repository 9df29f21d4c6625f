#!/usr/bin/env node
import { runProgram } from 'pipeline-runtime/kit';
import { createCommand } from '../cli/commands/create.ts';

await runProgram(createCommand());
