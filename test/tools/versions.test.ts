import { expect, test } from 'vitest'
import { atLeast, compareVersions, parseVersion } from '../../tools/versions.ts'

test.each([
  ['HAProxy version 2.6.12-1+deb12u4 2026/01/02 - https://haproxy.org/', '2.6.12'],
  ['prometheus, version 2.42.0+ds (branch: debian/sid, revision: 2.42.0+ds-5)', '2.42.0'],
  ['postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)', '15.18'],
  ['postgres (PostgreSQL) 17beta1', undefined],
  ['pgBackRest 2.45', '2.45'],
  ['nginx version: nginx/1.22.1', '1.22.1'],
  ['wrk debian/4.1.0-3+b2 [epoll] Copyright (C) 2012 Will Glozer', '4.1.0'],
  ['v3.259.0', '3.259.0'],
  ['error while loading shared libraries', undefined],
  ['', undefined],
])('%j is version %j', (printed, version) => {
  expect(parseVersion(printed)).toBe(version)
})

test.each([
  ['2.6', '2.6.0', 0],
  ['2.10', '2.9', 1],
  ['15.1', '15', 1],
  ['14.9', '15', -1],
])('%s against %s', (a, b, sign) => {
  expect(Math.sign(compareVersions(a, b))).toBe(sign)
  expect(atLeast(a, b)).toBe(sign >= 0)
})

test('an unknown version is never new enough', () => {
  expect(atLeast(undefined, '1')).toBe(false)
})
