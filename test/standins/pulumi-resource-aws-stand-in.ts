// A stand-in for the aws provider plugin, for just the resources in use: each is a few calls of the
// SDK. It shows what engine and program do. It is not the real provider: none of its defaults,
// validation, waiting, diff suppression or retries are here.
import { serve } from '../../provider/protocol.ts'
import { types } from './aws-stand-in/types.ts'

await serve({ name: 'aws', version: '7.48.0', types })
