import { runDrills } from './drill.ts'
import { resumeReview } from './resume-review.ts'

runDrills(resumeReview)
