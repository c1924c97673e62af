import { runDrills } from './drill.ts'
import { huntred } from './huntred.ts'

runDrills(huntred)
