import { describe, expect, it } from 'vitest'
import { isReal, REAL_ACCOUNT, realAccount } from './aws/real-account.ts'

const given = Object.fromEntries(Object.keys(REAL_ACCOUNT).map((name) => [name, `${name}-1`]))

describe('the tests on a real account', () => {
  it('run there only where they are asked to', () => {
    expect(isReal({})).toBe(false)
    expect(isReal({ SLUICE_AWS: '1' })).toBe(false)
    expect(isReal({ SLUICE_AWS: 'real' })).toBe(true)
  })

  it('name each thing that nobody has given, and no other', () => {
    expect(() => realAccount({ ...given, SLUICE_AWS_VPC: ' ', AWS_REGION: undefined })).toThrow(
      /needs:\n {2}AWS_REGION: the region.*\n {2}SLUICE_AWS_VPC: the id of the VPC[^\n]*$/,
    )
  })

  it('take lists with commas', () => {
    const account = realAccount({ ...given, SLUICE_AWS_SUBNETS: 'subnet-1, subnet-2,' })
    expect(account.subnets).toEqual(['subnet-1', 'subnet-2'])
  })
})
