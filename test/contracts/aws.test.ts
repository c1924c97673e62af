import { openAwsBed } from './aws-bed.ts'
import { describePlatform } from './contract.ts'

describePlatform('aws', openAwsBed)
