import { openCluster } from '../beds/kubernetes/open-cluster.ts'
import { describePlatform } from './contract.ts'
import { CLAIM, openKubernetesBed } from './kubernetes-bed.ts'

describePlatform('kubernetes', async () => openKubernetesBed(await openCluster([CLAIM])))
