import { runDrills } from './drill.ts'
import { supersmartmatch } from './supersmartmatch.ts'

runDrills(supersmartmatch)
