--------------------------- MODULE MCStandardLock ---------------------------
(***************************************************************************)
(* What must be reachable in StandardLock: each claim below is false, and  *)
(* TLC shows how.                                                          *)
(***************************************************************************)
EXTENDS StandardLock

(* Somebody finds the wake-up channel full, with the lock held. *)
NobodyFindsTheChannelFull ==
  channel = ChannelSize => \A s \in Submitter : submitters[s] # "holding"

(* The manager wants the lock while somebody else holds it. *)
TheManagerFindsTheLockFree == manager = "calling" => Free

(* The feeder wants to tell the manager, and the manager waits for it. *)
TheFeederIsNeverAwaited == manager = "joining" => feeder # "failed"

(* A process that ignores SIGTERM is to end. *)
NobodyIsStubborn == manager = "terminating" => ~stubborn

(* The executor ends while the manager is about to read the channel. *)
TheManagerIsNeverLate == manager = "reading" => ~ending

-----------------------------------------------------------------------------

(* Nobody is obliged to go on: no liveness property of StandardLock survives that. *)
Unfair == Init /\ [][Next]_vars
=============================================================================
