import { seedTable } from './table.ts'

seedTable('supersmartmatch')
