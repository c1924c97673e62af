import { cvplus } from './cvplus.ts'
import { runDrills } from './drill.ts'

runDrills(cvplus)
