/** The region and the keys of the bed: a key says in the record of calls who called. */
export const REGION = 'eu-central-1'

/** What a program needs to speak to the bed's AWS. */
export function environmentOf(endpoint: string, key: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: REGION,
    AWS_ACCESS_KEY_ID: key,
    AWS_SECRET_ACCESS_KEY: 'none of the real ones',
    // Nothing of this machine's own credentials or files is looked at.
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  }
}
