// SPDX-License-Identifier: AGPL-3.0-or-later
// Copyright (C) the httapd authors
//
// All browser tests, in one browser, one after the other.
import { runAll } from './rig.js';
import { carTests } from './car.js';
import { helpTests } from './help.js';
import { looksTests } from './looks.js';
import { pictureTests } from './pictures.js';
import { releaseTests } from './release.js';
import { scopeTests } from './scope.js';
import { complaintTest, securityTests } from './security.js';
import { stateTests } from './state.js';
import { tokenTests } from './token.js';
import { vcdTests } from './vcd.js';

await runAll(stateTests, carTests, releaseTests, securityTests, tokenTests, vcdTests, scopeTests, helpTests, looksTests, pictureTests, complaintTest);
