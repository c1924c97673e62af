import { seedTable } from './table.ts'

seedTable('cvplus')
