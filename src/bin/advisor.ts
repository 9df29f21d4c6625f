#!/usr/bin/env node
console.log('advisor');
