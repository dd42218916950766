--------------------------- MODULE StandardFeeder ---------------------------
(***************************************************************************)
(* What is behind the call queue of the standard library's process pool: a *)
(* thread, the feeder, pickles what the manager put there and writes it to *)
(* a pipe that holds little; a process reads it and runs it.  Who wakes    *)
(* the manager is left out: see StandardPool.  Defect is the old design    *)
(* that is in it, by the museum's number; with "none" each of them is      *)
(* repaired in the smallest way.                                           *)
(***************************************************************************)
EXTENDS Naturals, Sequences, FiniteSets

CONSTANTS
  Defect,     \* the museum's number of the old design, or "none"
  Calls,      \* how many calls are submitted
  Room,       \* how many calls the call queue holds, from the manager to the process
  PipeSize,   \* how many of them the pipe holds
  Cancels,    \* does shutdown ask to cancel what has not begun?
  MayFail,    \* may a call fail to pickle?
  MayDie      \* may the process die?

ASSUME
  /\ Defect \in {"none", "M6", "H12", "H15"}
  /\ {Calls, Room, PipeSize} \subseteq Nat \ {0}
  /\ {Cancels, MayFail, MayDie} \subseteq BOOLEAN

VARIABLES
  calls,    \* of submit(): "out", "accepted", "raised"
  futures,  \* the state of each work item's future
  workIds,  \* accepted and not yet in the call queue, oldest first
  pending,  \* the work ids of the work items, as the manager has them
  rebound,  \* M6: has the manager a dict of its own by now?
  buffer,   \* the calls that the feeder has not taken up
  feeder,   \* "idle", "pickling", "writing", "ended"
  feeds,    \* the work id that the feeder pickles or writes, else 0
  pipe,     \* the calls in the pipe
  process,  \* "idle", "running", "dead"
  runs,     \* the work id that the process runs, else 0
  answers,  \* what it has ended, and the manager has not read
  manager,  \* "going on", "joining" the feeder, "ended"
  broken,   \* has the executor failed its calls?
  closer    \* of shutdown(): "out", "joining", "back"

vars == <<calls, futures, workIds, pending, rebound, buffer, feeder, feeds, pipe, process, runs,
          answers, manager, broken, closer>>

WorkId == 1..Calls
Done == {"CANCELLED", "FINISHED"}

TypeOK ==
  LET Queue(n) == UNION {[1..k -> WorkId] : k \in 0..n}
  IN  /\ calls \in [WorkId -> {"out", "accepted", "raised"}]
      /\ futures \in [WorkId -> {"PENDING", "RUNNING"} \union Done]
      /\ workIds \in Queue(Calls)
      /\ pending \subseteq WorkId
      /\ buffer \in Queue(Room) /\ pipe \in Queue(PipeSize) /\ answers \in Queue(Calls)
      /\ feeder \in {"idle", "pickling", "writing", "ended"}
      /\ process \in {"idle", "running", "dead"}
      /\ {feeds, runs} \subseteq 0..Calls
      /\ manager \in {"going on", "joining", "ended"}
      /\ closer \in {"out", "joining", "back"}
      /\ {rebound, broken} \subseteq BOOLEAN

Init ==
  /\ calls = [w \in WorkId |-> "out"]
  /\ futures = [w \in WorkId |-> "PENDING"]
  /\ workIds = <<>> /\ buffer = <<>> /\ pipe = <<>> /\ answers = <<>>
  /\ pending = {} /\ rebound = FALSE
  /\ feeder = "idle" /\ feeds = 0
  /\ process = "idle" /\ runs = 0
  /\ manager = "going on" /\ broken = FALSE
  /\ closer = "out"

Ended(S) == [w \in WorkId |-> IF w \in S /\ futures[w] \notin Done THEN "FINISHED" ELSE futures[w]]

-----------------------------------------------------------------------------

Submit(w) ==  \* any thread
  LET open == closer = "out" /\ ~broken
  IN  /\ calls[w] = "out" /\ \A v \in 1..(w - 1) : calls[v] # "out"
      /\ calls' = [calls EXCEPT ![w] = IF open THEN "accepted" ELSE "raised"]
      /\ workIds' = IF open THEN Append(workIds, w) ELSE workIds
      /\ pending' = IF open THEN pending \union {w} ELSE pending
      /\ UNCHANGED <<futures, rebound, buffer, feeder, feeds, pipe, process, runs, answers,
                     manager, broken, closer>>

Shutdown ==  \* any thread
  /\ closer = "out"
  /\ closer' = "joining"
  /\ UNCHANGED <<calls, futures, workIds, pending, rebound, buffer, feeder, feeds, pipe, process,
                 runs, answers, manager, broken>>

ShutdownReturns ==  \* the caller of shutdown
  /\ closer = "joining" /\ manager = "ended"
  /\ closer' = "back"
  /\ UNCHANGED <<calls, futures, workIds, pending, rebound, buffer, feeder, feeds, pipe, process,
                 runs, answers, manager, broken>>

-----------------------------------------------------------------------------

InCallQueue == Len(buffer) + Len(pipe) + (IF feeds = 0 THEN 0 ELSE 1)

AddCall ==  \* the manager
  /\ manager = "going on" /\ workIds # <<>> /\ InCallQueue < Room
  /\ workIds' = Tail(workIds)
  /\ buffer' = Append(buffer, Head(workIds))
  /\ futures' = [futures EXCEPT ![Head(workIds)] = "RUNNING"]
  /\ UNCHANGED <<calls, pending, rebound, feeder, feeds, pipe, process, runs, answers, manager,
                 broken, closer>>

TakeAnswer ==  \* the manager
  /\ manager = "going on" /\ answers # <<>>
  /\ futures' = Ended({Head(answers)})
  /\ pending' = pending \ {Head(answers)}
  /\ answers' = Tail(answers)
  /\ UNCHANGED <<calls, workIds, rebound, buffer, feeder, feeds, pipe, process, runs, manager,
                 broken, closer>>

CancelQueued ==  \* the manager; M6: it puts what is left into a new dict
  /\ manager = "going on" /\ closer = "joining" /\ Cancels
  /\ \E w \in pending : futures[w] = "PENDING" \/ ~rebound
  /\ futures' = [w \in WorkId |-> IF w \in pending /\ futures[w] = "PENDING"
                                  THEN "CANCELLED" ELSE futures[w]]
  /\ pending' = {w \in pending : futures[w] # "PENDING"}
  /\ workIds' = <<>>
  /\ rebound' = TRUE
  /\ UNCHANGED <<calls, buffer, feeder, feeds, pipe, process, runs, answers, manager, broken,
                 closer>>

SeeDeath ==  \* the manager fails all calls, and tells the feeder to end
  /\ manager = "going on" /\ process = "dead" /\ answers = <<>>
  /\ futures' = Ended(pending)
  /\ pending' = {} /\ workIds' = <<>>
  /\ broken' = TRUE
  /\ manager' = "joining"
  /\ UNCHANGED <<calls, rebound, buffer, feeder, feeds, pipe, process, runs, answers, closer>>

Close ==  \* the manager tells the feeder to end
  /\ manager = "going on" /\ closer = "joining" /\ pending = {}
  /\ manager' = "joining"
  /\ UNCHANGED <<calls, futures, workIds, pending, rebound, buffer, feeder, feeds, pipe, process,
                 runs, answers, broken, closer>>

End ==  \* the manager
  /\ manager = "joining" /\ feeder = "ended"
  /\ manager' = "ended"
  /\ UNCHANGED <<calls, futures, workIds, pending, rebound, buffer, feeder, feeds, pipe, process,
                 runs, answers, broken, closer>>

-----------------------------------------------------------------------------

Feed ==  \* the feeder
  /\ feeder = "idle" /\ buffer # <<>>
  /\ feeder' = "pickling"
  /\ feeds' = Head(buffer)
  /\ buffer' = Tail(buffer)
  /\ UNCHANGED <<calls, futures, workIds, pending, rebound, pipe, process, runs, answers, manager,
                 broken, closer>>

Pickled ==  \* the feeder
  /\ feeder = "pickling"
  /\ feeder' = "writing"
  /\ UNCHANGED <<calls, futures, workIds, pending, rebound, buffer, feeds, pipe, process, runs,
                 answers, manager, broken, closer>>

PicklingFails ==  \* the feeder ends the call; H15: it prints the error, no more
  LET known == feeds \in pending /\ Defect # "H15"
  IN  /\ MayFail /\ feeder = "pickling"
      /\ futures' = IF known THEN Ended({feeds}) ELSE futures
      /\ pending' = IF known /\ ~(Defect = "M6" /\ rebound) THEN pending \ {feeds} ELSE pending
      /\ feeder' = "idle" /\ feeds' = 0
      /\ UNCHANGED <<calls, workIds, rebound, buffer, pipe, process, runs, answers, manager,
                     broken, closer>>

Write ==  \* the feeder, when there is room
  /\ feeder = "writing" /\ Len(pipe) < PipeSize
  /\ pipe' = Append(pipe, feeds)
  /\ feeder' = "idle" /\ feeds' = 0
  /\ UNCHANGED <<calls, futures, workIds, pending, rebound, buffer, process, runs, answers,
                 manager, broken, closer>>

WriteFails ==  \* the feeder: nobody reads any more; H12: the parent has the pipe open itself
  /\ feeder = "writing" /\ broken /\ Defect # "H12"
  /\ feeder' = "idle" /\ feeds' = 0
  /\ buffer' = <<>>
  /\ UNCHANGED <<calls, futures, workIds, pending, rebound, pipe, process, runs, answers, manager,
                 broken, closer>>

FeederEnds ==  \* the feeder, when it was told to and has nothing left
  /\ feeder = "idle" /\ buffer = <<>> /\ manager = "joining"
  /\ feeder' = "ended"
  /\ UNCHANGED <<calls, futures, workIds, pending, rebound, buffer, feeds, pipe, process, runs,
                 answers, manager, broken, closer>>

-----------------------------------------------------------------------------

Take ==  \* the process
  /\ process = "idle" /\ pipe # <<>>
  /\ process' = "running"
  /\ runs' = Head(pipe)
  /\ pipe' = Tail(pipe)
  /\ UNCHANGED <<calls, futures, workIds, pending, rebound, buffer, feeder, feeds, answers,
                 manager, broken, closer>>

Finish ==  \* the process
  /\ process = "running"
  /\ process' = "idle"
  /\ answers' = Append(answers, runs)
  /\ runs' = 0
  /\ UNCHANGED <<calls, futures, workIds, pending, rebound, buffer, feeder, feeds, pipe, manager,
                 broken, closer>>

Die ==  \* the process, at any point
  /\ MayDie /\ process # "dead"
  /\ process' = "dead"
  /\ runs' = 0
  /\ UNCHANGED <<calls, futures, workIds, pending, rebound, buffer, feeder, feeds, pipe, answers,
                 manager, broken, closer>>

-----------------------------------------------------------------------------

OfManager == AddCall \/ TakeAnswer \/ CancelQueued \/ SeeDeath \/ Close \/ End
OfFeeder == Feed \/ Pickled \/ PicklingFails \/ Write \/ WriteFails \/ FeederEnds
OfProcess == Take \/ Finish

Next ==
  \/ \E w \in WorkId : Submit(w)
  \/ Shutdown \/ ShutdownReturns
  \/ OfManager \/ OfFeeder \/ OfProcess \/ Die

(* Whoever can go on does.  Nobody is obliged to submit, to shut down, or to die. *)
Fairness ==
  /\ WF_vars(OfManager) /\ WF_vars(OfFeeder) /\ WF_vars(OfProcess) /\ WF_vars(ShutdownReturns)

Spec == Init /\ [][Next]_vars /\ Fairness

-----------------------------------------------------------------------------

(* The call queue holds no more than it is to. *)
CallQueueIsBounded == InCallQueue <= Room

(* A call is in one place only. *)
InOneRoomOnly ==
  \A w \in WorkId :
    LET In(seq) == Cardinality({i \in DOMAIN seq : seq[i] = w})
        At(where) == IF where = w THEN 1 ELSE 0
    IN  In(workIds) + In(buffer) + At(feeds) + In(pipe) + At(runs) + In(answers) <= 1

(* The manager waits for what has not ended, and for nothing else. *)
PendingMeansUnfinished ==
  manager = "going on" =>
    \A w \in WorkId : w \in pending <=> (calls[w] = "accepted" /\ futures[w] \notin Done)

(* A future that has ended stays as it is. *)
FuturesEndOnce ==
  [][\A w \in WorkId : (futures[w] \in Done) => (futures'[w] = futures[w])]_vars

-----------------------------------------------------------------------------

(* Every call that was accepted ends. *)
EveryAcceptedCallEnds == \A w \in WorkId : (calls[w] = "accepted") ~> (futures[w] \in Done)

(* Every shutdown that was begun returns. *)
EveryShutdownReturns == (closer = "joining") ~> (closer = "back")
=============================================================================
