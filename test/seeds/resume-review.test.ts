import { seedTable } from './table.ts'

seedTable('resume-review')
