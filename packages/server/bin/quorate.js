#!/usr/bin/env node
import "../command/main.js";
