import { runDrills } from './drill.ts'
import { hexabuilders } from './hexabuilders.ts'

runDrills(hexabuilders)
