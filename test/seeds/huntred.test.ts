import { seedTable } from './table.ts'

seedTable('huntred')
