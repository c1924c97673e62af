import { describePlatform } from './contract.ts'
import { openLocalBed } from './local-bed.ts'

describePlatform('local', openLocalBed)
