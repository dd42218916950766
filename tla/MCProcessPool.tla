--------------------------- MODULE MCProcessPool ---------------------------
(***************************************************************************)
(* Bounds of ProcessPool that a .cfg cannot write, and what must be        *)
(* reachable in it: each claim below is false, and TLC shows how.          *)
(***************************************************************************)
EXTENDS ProcessPoolClaims

NoClosers == <<>>
JustShutdown == <<"shutdown">>
ExitAndCancelling == <<"exit", "shutdown_cancel_futures">>
JustCancelling == <<"shutdown_cancel_futures">>
ShutdownAndCancelling == <<"shutdown", "shutdown_cancel_futures">>

(* The first call, once begun, may never end; the others must be taken up     *)
(* all the same, as long as there is another process.                         *)
ButTheFirst == Init /\ [][Next]_vars /\ FairnessBut(1)

-----------------------------------------------------------------------------

(* A call is cancelled that was offered: its ticket is won. *)
NobodyCancelsWhatIsOffered ==
  [][\A w \in Range(callQueue) : futures'[w] # "CANCELLED_AND_NOTIFIED"]_vars

(* A call is recalled while a later one stays in the Call Q. *)
RecalledInReverse == \A v \in Range(callQueue), w \in Range(workIds) : v < w

(* A call may not be offered yet, since an earlier one is not claimed. *)
NothingIsHeldBack ==
  (workIds # <<>> /\ Len(callQueue) < CallQueueSize) =>
    \A v \in Range(callQueue) : Head(workIds) <= v + Overtake

(* The local worker, asleep, is woken by the claim of what held others back. *)
NoClaimIsTold == [][begun' # begun => awake' = awake]_vars

(* The local worker sleeps while a call runs. *)
NobodySleepsWhileCallsRun == ~awake => \A p \in Process : processes[p] # "running"

(* A process dies whose last answer is not read yet. *)
NoAnswerOutlivesItsProcess == \A p \in Process : processes[p] \in Dead => resultQueue[p] = <<>>

(* A process dies of a call of which the parent does not know that it was claimed. *)
NobodyDiesUnnoticed ==
  \A p \in Process :
    (processes[p] \in Dead /\ runs[p] # 0) => futures[runs[p]] = "RUNNING"

(* The parent learns of a claim and of its answer at once. *)
EveryClaimIsNoticed ==
  \A p \in Process : resultQueue[p] # <<>> => futures[Head(resultQueue[p])] = "RUNNING"

(* The successor of a process that has died runs a call. *)
NobodyRunsAfterADeath == mayDie < Deaths => \A p \in Process : processes[p] # "running"

(* So many deaths before the process was ready break a pool that replaces. *)
NobodyDiesEarlyAgain == phase # "BROKEN"

(* A call is claimed while what is not claimed is being cancelled. *)
NothingIsClaimedWhileDiscarding ==
  [][(\E c \in Closer : closers[c] = "discarding") => begun' = begun]_vars

(* The system refuses a process, and the pool goes on with another. *)
EveryRefusalBreaks == (\E p \in Process : processes[p] = "refused") => phase = "BROKEN"

(* Another process runs a call when the pool breaks. *)
NothingRunsWhenBroken == phase = "BROKEN" => \A p \in Process : processes[p] # "running"

(* A process that has run as many calls as it may is replaced, after shutdown was asked. *)
NobodyRetiresAfterShutdown ==
  [][phase = "SHUTTING_DOWN" =>
       \A p \in Process : processes'[p] = "starting" => ~(\E w \in WorkId : begun[w] > 0)]_vars

(* The executor is collected while calls are pending. *)
NothingIsPendingWhenCollected == collected => Pending = {}

-----------------------------------------------------------------------------

(* Nobody is obliged to go on: no liveness property of ProcessPool survives   *)
(* that, so that each of them says something.                                 *)
Unfair == Init /\ [][Next]_vars

(* A process need not claim a call that is recalled again and again. *)
Restless ==
  /\ Init /\ [][Next]_vars
  /\ WF_vars(\E w \in WorkId : Offer(w))
  /\ \A p \in Process : WF_vars(Start(p)) /\ WF_vars(Ready(p)) /\ WF_vars(Takes(p))
=============================================================================
