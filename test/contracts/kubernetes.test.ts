import { describePlatform } from './contract.ts'
import { openKubernetesBed } from './kubernetes-bed.ts'

describePlatform('kubernetes', () => openKubernetesBed())
