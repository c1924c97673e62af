import { expect, test } from 'vitest'
import { neededPackages, parsePrintedUris } from '../../tools/debian.ts'

const printed = `Reading package lists...
'http://example.org/libc6_2.36_amd64.deb' libc6_2.36-9_amd64.deb 2759320 MD5Sum:8d
'http://example.org/zlib1g.deb' zlib1g_1%3a1.2.13_amd64.deb 86684 SHA256:08
'http://example.org/libpq5.deb' libpq5_15.20-0+deb12u1_amd64.deb 205248 
'http://example.org/libjs-jquery.deb' libjs-jquery_3.6.1+dfsg_all.deb 326128 MD5Sum:ee
'http://example.org/libllvm14.deb' libllvm14_1%3a14.0.6-12_amd64.deb 21840232 MD5Sum:1f
'http://example.org/perl.deb' perl_5.36.0_amd64.deb 239392 
'http://example.org/postgresql-15.deb' postgresql-15_15.20-0_amd64.deb 17091392 
'http://example.org/postgresql-client-15.deb' postgresql-client-15_15.20-0_amd64.deb 1 
'http://example.org/postgresql-common.deb' postgresql-common_248_all.deb 179624 
`

test('the packages that apt would download, with their versions as apt takes them', () => {
  expect(parsePrintedUris(printed)).toHaveLength(9)
  expect(parsePrintedUris(printed)[1]).toEqual({
    name: 'zlib1g',
    version: '1:1.2.13',
    architecture: 'amd64',
    file: 'zlib1g_1%3a1.2.13_amd64.deb',
  })
})

test('only programs and libraries are needed, and never the C library', () => {
  const needed = neededPackages(parsePrintedUris(printed), ['postgresql'])
  expect(needed.map(({ name }) => name)).toEqual([
    'zlib1g',
    'libpq5',
    'postgresql-15',
    'postgresql-client-15',
  ])
})
